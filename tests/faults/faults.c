/* Faults at system calls: preloaded into a process, it counts the calls that touch a place and does harm at one of them.
 *
 * fault(place, kinds, at, how) arms it: calls on files whose path holds `place` are counted from 1; `kinds` are letters,
 * o(pen to write) w(rite) s(ync) r(ename) m(kdir) u(nlink, rmdir) t(runcate). At call number `at`, `how` is what happens:
 * -1: the process is killed before the call; -2: a write is done by half, then the process is killed; an errno: that call
 * and, as on a disk that stays full, every later one fails. calls() tells how many there were. log_to(handle) has a line
 * written for each: its letter, and the path. What is renamed has a line of its own before that, with the letter f(rom).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[4096], kinds[16];
static int at, how, count, log_handle = -1;

void fault(const char *where, const char *which, int number, int what) {
    snprintf(place, sizeof place, "%s", where);
    snprintf(kinds, sizeof kinds, "%s", which);
    at = number, how = what, count = 0;
}

int calls(void) { return count; }

void log_to(int handle) { log_handle = handle; }

static int touches(const char *path) { return place[0] && path && strstr(path, place); }

static void noted(const char *path, char kind) {
    if (log_handle >= 0 && touches(path)) dprintf(log_handle, "%c %s\n", kind, path);
}

static void die(void) { kill(getpid(), SIGKILL); }

/* Whether the call is to fail; it does not come back where the process is killed. */
static int harmed(const char *path, char kind) {
    if (!touches(path) || !strchr(kinds, kind)) return 0;
    noted(path, kind);
    count++;
    if (how == -1 && count == at) die();
    if (how > 0 && at && count >= at) {
        errno = how;
        return 1;
    }
    return 0;
}

static const char *path_of(int handle, const char *name, char *buffer, size_t size) {
    char link[64];
    if (!place[0]) return 0;
    if (name && name[0] == '/') return name;
    if (handle == AT_FDCWD) {
        if (!getcwd(buffer, size)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        ssize_t length = readlink(link, buffer, size - 1);
        if (length < 0) return 0;
        buffer[length] = 0;
    }
    if (name) {
        size_t used = strlen(buffer);
        snprintf(buffer + used, size - used, "/%s", name);
    }
    return buffer;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define HARMED(handle, name, kind) \
    char buffer[8192]; \
    if (harmed(path_of(handle, name, buffer, sizeof buffer), kind)) return -1
#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT))
#define MODE \
    mode_t mode = 0; \
    if (flags & O_CREAT) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); MODE \
        if (WRITES(flags)) { HARMED(AT_FDCWD, path, 'o'); } \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); MODE \
        if (WRITES(flags)) { HARMED(folder, path, 'o'); } \
        return real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int handle, const void *bytes, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    HARMED(handle, 0, 'w');
    if (how == -2 && at && count == at && strstr(path_of(handle, 0, buffer, sizeof buffer) ?: "", place)) {
        real(handle, bytes, size / 2);
        die();
    }
    return real(handle, bytes, size);
}

int fsync(int handle) { REAL(int, fsync, int); HARMED(handle, 0, 's'); return real(handle); }
int ftruncate(int handle, off_t size) {
    REAL(int, ftruncate, int, off_t); HARMED(handle, 0, 't'); return real(handle, size);
}
int ftruncate64(int handle, off64_t size) {
    REAL(int, ftruncate64, int, off64_t); HARMED(handle, 0, 't'); return real(handle, size);
}
int rename(const char *old, const char *new) {
    REAL(int, rename, const char *, const char *); noted(old, 'f'); HARMED(AT_FDCWD, new, 'r'); return real(old, new);
}
int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t); HARMED(AT_FDCWD, path, 'm'); return real(path, mode);
}
int unlink(const char *path) { REAL(int, unlink, const char *); HARMED(AT_FDCWD, path, 'u'); return real(path); }
int unlinkat(int folder, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int); HARMED(folder, path, 'u'); return real(folder, path, flags);
}
int rmdir(const char *path) { REAL(int, rmdir, const char *); HARMED(AT_FDCWD, path, 'u'); return real(path); }
