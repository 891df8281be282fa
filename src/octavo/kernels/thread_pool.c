#include "thread_pool.h"

#include <pthread.h>
#include <string.h>

#define MAX_THREADS 64

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    long round;            /* counts the loops: a worker that has seen it has nothing to do */
    int n_chunks, pending; /* of the current loop: its chunks, one a thread, and the workers that are not done */
    long rows;
    row_function function;
    void *argument;
    int n_threads; /* that exist, including the caller's */
} thread_pool;

static thread_pool pool;
static pthread_mutex_t one_caller;
static pthread_once_t initialised = PTHREAD_ONCE_INIT;

/* Also in a forked child: threads are not copied by a fork, and locks that they held stay locked. */
static void reset_after_fork(void) {
    memset(&pool, 0, sizeof pool);
    pool.n_threads = 1;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.start, NULL);
    pthread_cond_init(&pool.done, NULL);
    pthread_mutex_init(&one_caller, NULL);
}

static void initialise(void) {
    reset_after_fork();
    pthread_atfork(NULL, NULL, reset_after_fork);
}

static void run_chunk(int chunk, int n_chunks) {
    const long begin = pool.rows * chunk / n_chunks, end = pool.rows * (chunk + 1) / n_chunks;
    if (begin < end) pool.function(begin, end, pool.argument);
}

static void *worker(void *index) {
    const int chunk = (int)(long)index;
    long seen = 0;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.round == seen || chunk >= pool.n_chunks) {
            if (chunk >= pool.n_chunks) seen = pool.round;
            pthread_cond_wait(&pool.start, &pool.lock);
        }
        seen = pool.round;
        const int n_chunks = pool.n_chunks;
        pthread_mutex_unlock(&pool.lock);
        run_chunk(chunk, n_chunks);
        pthread_mutex_lock(&pool.lock);
        if (--pool.pending == 0) pthread_cond_signal(&pool.done);
    }
    return NULL;
}

/* Start the workers that `threads` threads need; return how many of them there are, including the caller. */
static int spawn_workers(int threads) {
    for (; pool.n_threads < threads && pool.n_threads < MAX_THREADS; pool.n_threads++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        const int failed = pthread_create(&thread, &attributes, worker, (void *)(long)pool.n_threads);
        pthread_attr_destroy(&attributes);
        if (failed) break;
    }
    return threads < pool.n_threads ? threads : pool.n_threads;
}

void parallel_for(long rows, int threads, row_function function, void *argument) {
    if (threads > rows) threads = (int)rows;
    if (threads <= 1) {
        if (rows > 0) function(0, rows, argument);
        return;
    }
    pthread_once(&initialised, initialise);
    pthread_mutex_lock(&one_caller);
    const int n_chunks = spawn_workers(threads);
    pthread_mutex_lock(&pool.lock);
    pool.rows = rows, pool.function = function, pool.argument = argument;
    pool.n_chunks = n_chunks, pool.pending = n_chunks - 1, pool.round++;
    pthread_cond_broadcast(&pool.start);
    pthread_mutex_unlock(&pool.lock);
    run_chunk(0, n_chunks);
    pthread_mutex_lock(&pool.lock);
    while (pool.pending) pthread_cond_wait(&pool.done, &pool.lock);
    pool.n_chunks = 0;
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&one_caller);
}
