/* Exponential functions that compilers turn into vectors; libm's are calls. Polynomials from
   Moshier's Cephes library (expf.c, tanhf.c) and Abramowitz and Stegun, 7.1.26, for the error
   function; errors are below 2e-7. */
static inline float op_exp(float x) {
    const float clamped = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    const float shifted = clamped * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
    uint32_t bits;
    float scale;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + UINT32_C(0x3f800000);
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}
static inline float op_gelu(float x) {
    const float z = fabsf(x) * 0.707106781f;
    const float t = 1.0f / (1.0f + 0.3275911f * z);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    p = 0.5f * x * p * t * op_exp(-z * z);
    return x < 0.0f ? p : x - p;
}
static inline float op_tanh(float x) {
    const float z = x * x;
    const float a = fabsf(x);
    const float e = op_exp(-2.0f * a);
    const float wide = (1.0f - e) / (1.0f + e);
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    p = p * z * x + x;
    return a < 0.625f ? p : (x < 0.0f ? -wide : wide);
}
