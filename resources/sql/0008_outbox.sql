-- What is to be sent to a server, written in the transaction of the rows it names and deleted once they are there. An
-- entry is a range of ids of one stream, both ends in it; noted_ms is when (Unix UTC, milliseconds). It may name rows
-- twice: the server takes each once. AUTOINCREMENT: the number of a deleted entry must not come again.
CREATE TABLE outbox (
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    lo INTEGER NOT NULL,
    hi INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    noted_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_by_age ON outbox (stream, noted_ms);

-- Rows that the server does not take, now or later, as they were sent, and why.
CREATE TABLE sync_quarantine (
    stream TEXT NOT NULL,
    row_key TEXT NOT NULL,
    time_ns INTEGER NOT NULL,
    reason TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (stream, row_key)
) STRICT, WITHOUT ROWID;
