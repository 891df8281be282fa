/* Whether this build may be used: pyproject.toml names the builds and their flags.
 *
 * What is handed over are structs, by their address: library.py must mean the same layout, or memory would be
 * misread. So the answer is a number, which is raised there and here with every change of a struct or a call. */
enum { LAYOUT = 2 };

/* LAYOUT if the processor has what this build was compiled for, else 0. */
int octavo_fits(void) {
    __builtin_cpu_init();
    int fits = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
               __builtin_cpu_supports("bmi2");
#if defined(__AVX512F__)
    fits = fits && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
    return fits ? LAYOUT : 0;
}
