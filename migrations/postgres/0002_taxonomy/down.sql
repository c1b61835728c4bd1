DROP TABLE sections;
DROP TABLE tags;
