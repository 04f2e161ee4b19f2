-- Every offer forgets the old ones and every look at others' offers reads the newest: neither may go through all of a day.
CREATE INDEX offers_by_time ON offers (offered_at);
