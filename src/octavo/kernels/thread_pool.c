#include "thread_pool.h"

#include <pthread.h>
#include <string.h>

#define MOST 64

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t begin, done;
    long round; /* counts the pieces of work */
    int size, left;
    long rows;
    work job;
    void *with;
    int hired; /* how many there are, the caller among them */
} crew;

static crew team;
static pthread_mutex_t one_caller;
static pthread_once_t begun = PTHREAD_ONCE_INIT;

/* In a new process, or in a child of one: threads do not come along into a fork, and what they held stays held. */
static void found(void) {
    memset(&team, 0, sizeof team);
    team.hired = 1;
    pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.begin, NULL);
    pthread_cond_init(&team.done, NULL);
    pthread_mutex_init(&one_caller, NULL);
}

static void begin(void) {
    found();
    pthread_atfork(NULL, NULL, found);
}

static void stretch(int member, int members) {
    const long begin = team.rows * member / members, end = team.rows * (member + 1) / members;
    if (begin < end) team.job(begin, end, team.with);
}

static void *member(void *number) {
    const int me = (int)(long)number;
    long seen = 0;
    pthread_mutex_lock(&team.lock);
    for (;;) {
        while (team.round == seen || me >= team.size) {
            if (me >= team.size) seen = team.round;
            pthread_cond_wait(&team.begin, &team.lock);
        }
        seen = team.round;
        const int members = team.size;
        pthread_mutex_unlock(&team.lock);
        stretch(me, members);
        pthread_mutex_lock(&team.lock);
        if (--team.left == 0) pthread_cond_signal(&team.done);
    }
    return NULL;
}

/* How many of `threads` there really are, the caller among them. */
static int recruit(int threads) {
    for (; team.hired < threads && team.hired < MOST; team.hired++) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        const int failed = pthread_create(&thread, &attributes, member, (void *)(long)team.hired);
        pthread_attr_destroy(&attributes);
        if (failed) break;
    }
    return threads < team.hired ? threads : team.hired;
}

void share_out(long rows, int threads, work job, void *with) {
    if (threads > rows) threads = (int)rows;
    if (threads <= 1) {
        if (rows > 0) job(0, rows, with);
        return;
    }
    pthread_once(&begun, begin);
    pthread_mutex_lock(&one_caller);
    const int members = recruit(threads);
    pthread_mutex_lock(&team.lock);
    team.rows = rows, team.job = job, team.with = with;
    team.size = members, team.left = members - 1, team.round++;
    pthread_cond_broadcast(&team.begin);
    pthread_mutex_unlock(&team.lock);
    stretch(0, members);
    pthread_mutex_lock(&team.lock);
    while (team.left) pthread_cond_wait(&team.done, &team.lock);
    team.size = 0;
    pthread_mutex_unlock(&team.lock);
    pthread_mutex_unlock(&one_caller);
}
