DROP TABLE remembered;

DROP TABLE calls;

DROP TABLE intent_files;

DROP TABLE intents;

DROP TABLE texts;
