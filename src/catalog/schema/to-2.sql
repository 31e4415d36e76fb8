-- Times that media files carry are remembered. Nothing that was known changes.
CREATE TABLE written (
    entry INTEGER PRIMARY KEY,
    clock INTEGER,
    ahead INTEGER
);
