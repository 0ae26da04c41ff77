#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Floats of the widest vector that the compiler has for this machine; 0 means plain C. */
#if defined(__GNUC__) && defined(__AVX512F__)
#define LANES 16
#elif defined(__GNUC__) && defined(__AVX__)
#define LANES 8
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON))
#define LANES 4
#else
#define LANES 0
#endif

#if LANES >= 4
typedef float vec4 __attribute__((vector_size(16)));
#endif
#if LANES >= 8
typedef float vec8 __attribute__((vector_size(32)));
#endif
#if LANES >= 16
typedef float vec16 __attribute__((vector_size(64)));
#endif
#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(vector))
#define STORE(to, vector) memcpy((to), &(vector), sizeof(vector))
#define CLEAR(vector) memset(&(vector), 0, sizeof(vector))

#if defined(__GNUC__)
#define ALIGNED __attribute__((aligned(64)))
#else
#define ALIGNED
#endif
