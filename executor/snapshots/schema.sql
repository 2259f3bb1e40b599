CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    content BLOB NOT NULL
);
-- The last state that was seen, a row for each folder.
CREATE TABLE folders (path BLOB PRIMARY KEY, listing BLOB NOT NULL);
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,               -- call, undo, redo
    state TEXT NOT NULL,              -- open, done, doubtful
    owner TEXT NOT NULL,              -- whose lock says whether an open one still goes on
    session TEXT NOT NULL DEFAULT '',
    run TEXT NOT NULL DEFAULT '',
    call TEXT NOT NULL DEFAULT '',
    tool TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    whole INTEGER NOT NULL DEFAULT 0, -- an open one may have changed anything
    taken_back TEXT NOT NULL DEFAULT '[]', -- of an undo: the ids; of a redo: the undo's id
    undone_by INTEGER,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE changes (
    checkpoint INTEGER NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    before BLOB NOT NULL,
    after BLOB,                       -- null while it is open
    PRIMARY KEY (checkpoint, path)
) WITHOUT ROWID;
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO facts VALUES ('generation', 0), ('pruned', 0);
