/* All kernels, as one unit: pyproject.toml compiles it once for each kind of processor. */

#include "crew.c"
#include "decode.c"

#include "activation.c"
#include "attention.c"
#include "cross_entropy.c"
#include "norm.c"

/* Whether the processor has what this build was compiled for. */
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
