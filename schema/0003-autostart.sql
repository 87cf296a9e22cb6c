-- What a guest is to be when its host has started anew.

ALTER TABLE guests ADD COLUMN autostart TEXT NOT NULL DEFAULT 'last' CHECK (autostart IN ('last', 'always', 'never'));
