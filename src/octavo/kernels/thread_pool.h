/* A thread pool that runs one parallel loop over rows at a time. */
#ifndef OCTAVO_THREAD_POOL_H
#define OCTAVO_THREAD_POOL_H

typedef void (*row_function)(long begin, long end, void *argument);

/* Call `function` on disjoint chunks of rows 0 ... rows-1 with up to `threads` threads, including the caller's, and
 * return when all rows are done. Each row is computed by one thread alone, so results do not depend on `threads`. */
void parallel_for(long rows, int threads, row_function function, void *argument);

#endif
