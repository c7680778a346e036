/* What run files are worth, a line each, for programs that decide what is left to do. */
#ifndef PSDUMP_STATUS_H
#define PSDUMP_STATUS_H

/* Prints a line of column names and one for each of count files (path NULL: standard input), tabs
 * between the columns; the manual says what they hold. A file that cannot be read or is no run is a
 * line too. -1 with a sentence when the lines cannot be printed. */
int status_print(char *const *path, int count);

#endif
