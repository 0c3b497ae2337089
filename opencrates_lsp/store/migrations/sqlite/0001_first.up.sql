-- The texts that changes took away and put in, each once, compressed with zlib, named by the SHA-256 of the text.
CREATE TABLE texts (
    hash TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

-- What was about to be applied, and what became of it; a number gives the order.
CREATE TABLE intents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    title TEXT NOT NULL,
    action TEXT NOT NULL,
    verdict TEXT NOT NULL,
    usage TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'applied', 'not applied', 'unknown', 'undone')),
    created REAL NOT NULL,
    owner TEXT
);

CREATE INDEX intents_by_state ON intents (state, number);

-- A path is the bytes that the system knows the file by; a hash is NULL where there was, or is to be, no file.
CREATE TABLE intent_files (
    intent INTEGER NOT NULL REFERENCES intents (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path BLOB NOT NULL,
    before_hash TEXT REFERENCES texts (hash),
    after_hash TEXT REFERENCES texts (hash),
    PRIMARY KEY (intent, position)
) WITHOUT ROWID;

CREATE INDEX intent_files_by_before ON intent_files (before_hash);

CREATE INDEX intent_files_by_after ON intent_files (after_hash);

-- One row a call: reserved with what it may cost, then settled with what it did cost.
CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    day TEXT NOT NULL,
    at REAL NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL NOT NULL,
    cached INTEGER NOT NULL DEFAULT 0,
    owner TEXT
) WITHOUT ROWID;

CREATE INDEX calls_by_day ON calls (day);

CREATE INDEX calls_reserved ON calls (owner) WHERE owner IS NOT NULL;

-- Answers to questions, and texts that passed; `used` rises with every use.
CREATE TABLE remembered (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE INDEX remembered_by_use ON remembered (kind, used);
