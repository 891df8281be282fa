/* A crew of threads that share one piece of work: rows 0 ... n-1, cut into as many stretches as there are threads. */
#ifndef OCTAVO_CREW_H
#define OCTAVO_CREW_H

typedef void (*work)(long begin, long end, void *with);

/* Do `job` on rows 0 ... rows-1 with `threads` threads, the caller among them, and come back when all are done.
 * Each row is done by one thread, whatever their number, so results do not depend on it. */
void share_out(long rows, int threads, work job, void *with);

#endif
