"""Getting rows out of a damaged database: a child process reads its pages, the writer takes the rows."""
