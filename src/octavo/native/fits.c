/* Whether the processor has what this build was compiled for: pyproject.toml names the builds and their flags. */
int octavo_fits(void) {
    __builtin_cpu_init();
#if defined(__AVX512BF16__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bf16");
#else
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}
