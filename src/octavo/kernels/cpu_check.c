/* Check whether this build can be used here. pyproject.toml lists the builds and their compiler flags.
 *
 * Kernels receive structs by address, so a build of another version would misread memory. The check therefore returns
 * a version number, which library.py compares with its own: raise both with every change of a struct or a call. */
enum { ABI_VERSION = 3 };

/* Return ABI_VERSION if the CPU has the instructions that this build was compiled for, else 0. */
int octavo_cpu_check(void) {
    __builtin_cpu_init();
    int supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#if defined(__AVX512F__)
    supported = supported && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
#endif
    return supported ? ABI_VERSION : 0;
}
