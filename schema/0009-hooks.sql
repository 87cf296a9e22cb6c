-- What hooks are told of: with which event a guest got into another phase, or an operation ended.

ALTER TABLE events ADD COLUMN became TEXT;
