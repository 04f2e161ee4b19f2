-- Look and insert go out at the same time, so it must be kept what the look saw. Inserts of before were sent after a look
-- that had seen the time free.
ALTER TABLE bookings ADD COLUMN seen TEXT COLLATE "C" NOT NULL DEFAULT 'free';
