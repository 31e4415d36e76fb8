-- The catalog: what was found in the archives, and the tree that was made of it.
-- Facts are never changed by the tree; the tree can be dropped and made anew from the facts at any time.

-- Single values: the schema's number, the sources of this library, what the image was made of.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Archives and unpacked folders. A part that has vanished keeps its row and its entries.
CREATE TABLE part (
    id       INTEGER PRIMARY KEY,
    path     BLOB NOT NULL,             -- where it lay when last seen
    folder   INTEGER NOT NULL,          -- 0: zip; 1: unpacked; 2: tgz
    stamp    TEXT,                      -- of the export, from the part's name
    series   INTEGER,
    number   INTEGER,
    size     INTEGER NOT NULL,          -- of the archive, bytes; 0 for a folder
    mtime_ns INTEGER NOT NULL,          -- of the archive; 0 for a folder
    complete INTEGER NOT NULL,          -- 0: indexing was interrupted; 2: only names that the part no longer holds
    problems TEXT NOT NULL,             -- a JSON array of texts
    digest   BLOB,                      -- 32 bytes that tell its content apart, wherever it lies; NULL: nobody has made them
    account  TEXT                       -- whose it is; NULL: the first account's
);

-- Folder names are long and repeat, so they are kept once.
CREATE TABLE dir (
    id   INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE           -- as in the archive, begins with Takeout
);

-- Every file in a part.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    part     INTEGER NOT NULL,
    dir      INTEGER NOT NULL,
    name     TEXT NOT NULL,             -- as text
    raw      BLOB,                      -- in a folder: the path below it, where it is not UTF-8
    kind     INTEGER NOT NULL,          -- see catalog::Kind
    deflated INTEGER NOT NULL,
    header   INTEGER NOT NULL,          -- offset of the local header, in a tgz of the bytes when inflated; 0 in a folder
    packed   INTEGER NOT NULL,          -- bytes in the archive; in a folder or tgz as size
    size     INTEGER NOT NULL,          -- bytes
    crc32    INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,          -- of the file in a folder; 0 in an archive
    head     INTEGER                    -- hash of the first 64 KiB, where size and CRC-32 do not tell contents apart
);
CREATE INDEX entry_part ON entry (part);

-- What media sidecars say.
CREATE TABLE sidecar (
    entry       INTEGER PRIMARY KEY,
    title       TEXT,
    description TEXT,
    taken       INTEGER,                -- seconds since 1970
    uploaded    INTEGER,
    people      TEXT,                   -- a JSON array of names; NULL when empty
    flags       INTEGER NOT NULL,       -- 1 favourite, 2 archived, 4 trashed, 8 locked, 16 partner
    latitude    REAL, longitude REAL, altitude REAL,
    exif_latitude REAL, exif_longitude REAL, exif_altitude REAL,
    url         TEXT
);

-- What album metadata says.
CREATE TABLE album (
    entry       INTEGER PRIMARY KEY,
    title       TEXT,
    description TEXT,
    date        INTEGER                 -- seconds since 1970
);

-- The time that a media file itself carries, for those whose sidecars have none. A row says that it was looked for.
CREATE TABLE written (
    entry INTEGER PRIMARY KEY,
    clock INTEGER,                      -- what the clock showed, as seconds since 1970; NULL: there is no time in it
    ahead INTEGER                       -- seconds that the clock was ahead of UTC; NULL where the file does not tell
);

-- Width and height of pictures, for those where it decides which bytes are shown. A row says that they were looked for.
CREATE TABLE pixels (
    entry  INTEGER PRIMARY KEY,
    width  INTEGER,                     -- NULL: none was found, in both
    height INTEGER
);

-- The projection, in pieces: the image from 0 on, the documents beside the photos from 2^32 and 2^33 on.
CREATE TABLE image (
    piece INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);
