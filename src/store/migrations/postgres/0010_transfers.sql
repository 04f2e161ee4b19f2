-- A call that is put through to a person, or to the voicemail, in the middle of a conversation: how far that has come, to whom,
-- and with which words. When a dial began tells a loop from a conversation: a call may be old when it is put through.
ALTER TABLE calls ADD COLUMN forwarded_from TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN transfer TEXT COLLATE "C";
ALTER TABLE calls ADD COLUMN transfer_to TEXT COLLATE "C";
ALTER TABLE calls ADD COLUMN transfer_twiml TEXT COLLATE "C";
ALTER TABLE calls ADD COLUMN dialled_at BIGINT;
ALTER TABLE calls ADD COLUMN emergency_at BIGINT;
