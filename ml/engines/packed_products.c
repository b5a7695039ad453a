// Products of engine b on the CPU with activations of eight bits: ggml's Q8_K blocks times packed rows.
//
// Sums within a block are whole numbers and exact, in any order; float enters with the scales of the
// blocks, one after the other. spec/formats/quant_types.md has the layouts of the blocks. Where a
// processor multiplies bytes in pairs (AVX2) that is said in its own words; the sums are the same.

#define ACTIVATION 292  // bytes of a block of activations: float d, 16 sums of int16, 256 of int8
#define WIDTH 256

static inline float float_of(unsigned u) { float x; __builtin_memcpy(&x, &u, 4); return x; }
static inline unsigned bits_of(float x) { unsigned u; __builtin_memcpy(&u, &x, 4); return u; }

static inline float half_at(const unsigned char *p) {
  unsigned h = p[0] | (unsigned)p[1] << 8, sign = (h & 0x8000u) << 16;
  unsigned exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 31) return float_of(sign | 0x7F800000u | mantissa << 13);
  if (exponent) return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
  float small = (float)mantissa * 5.9604644775390625e-8f;
  return sign ? -small : small;
}

// A block of activations, from 256 floats.
static inline void quantise(unsigned char *out, const float *x) {
  unsigned largest = 0, is_finite = 1;
  for (int i = 0; i < WIDTH; i++) {
    unsigned size = bits_of(x[i]) & 0x7FFFFFFFu, fine = size < 0x7F800000u;
    is_finite &= fine;
    size = fine ? size : 0;
    largest = size > largest ? size : largest;
  }
  float most = float_of(largest), scale = 0.0f, d = 0.0f;
  if (most > 0.0f) scale = 127.0f / most;
  if (scale > 0.0f) d = 1.0f / scale;
  if (!is_finite) d = float_of(0x7FC00000u);
  short sums[16];
  signed char quants[WIDTH];
  for (int part = 0; part < 16; part++) {
    int sum = 0;
    for (int i = 0; i < 16; i++) {
      float value = x[part * 16 + i], held = (bits_of(value) & 0x7FFFFFFFu) < 0x7F800000u ? value : 0.0f;
      float scaled = held * scale;
      // To the nearest, of two the even one: what is so large has no bits behind the point.
      float shifted = scaled + 12582912.0f, whole = shifted - 12582912.0f;
      whole = whole > -127.0f ? whole : -127.0f;
      whole = whole < 127.0f ? whole : 127.0f;
      int quant = (int)whole;
      quants[part * 16 + i] = (signed char)quant;
      sum += quant;
    }
    sums[part] = (short)sum;
  }
  __builtin_memcpy(out, &d, 4);
  __builtin_memcpy(out + 4, sums, 32);
  __builtin_memcpy(out + 36, quants, WIDTH);
}

static inline float activation_scale(const unsigned char *a) { float d; __builtin_memcpy(&d, a, 4); return d; }

#ifdef __AVX2__
typedef char bytes __attribute__((vector_size(32), aligned(1)));
typedef short pairs __attribute__((vector_size(32), aligned(1)));
typedef int fours __attribute__((vector_size(32), aligned(1)));

static inline bytes load(const void *at) { bytes b; __builtin_memcpy(&b, at, 32); return b; }
static inline bytes every(char value) { return value - (bytes){0}; }

// Shift each byte to the right; what comes in from its neighbour is masked by who calls.
static inline bytes shifted(bytes b, int by) { return (bytes)((pairs)b >> by); }

// Sums of unsigned times signed bytes, two by two, times the scale of each: eight sums of int32.
static inline fours scaled(bytes quants, bytes x, pairs scale) {
  return (fours)__builtin_ia32_pmaddwd256(
      (pairs)__builtin_ia32_pmaddubsw256(quants, x), scale);
}

static inline int joined(fours f) { return f[0] + f[1] + f[2] + f[3] + f[4] + f[5] + f[6] + f[7]; }

static inline int q4_k_total(const unsigned char *w, const signed char *x, const int *scales) {
  fours total = {0};
  for (int j = 0; j < 4; j++) {
    bytes packed = load(w + 16 + 32 * j), low = packed & every(15), high = shifted(packed, 4) & every(15);
    total += scaled(low, load(x + 64 * j), (short)scales[2 * j] - (pairs){0});
    total += scaled(high, load(x + 64 * j + 32), (short)scales[2 * j + 1] - (pairs){0});
  }
  return joined(total);
}

// The quants as unsigned bytes; the 32 that each has too much is taken off with the sums of x.
static inline int q6_k_total(const unsigned char *w, const signed char *x, const short *sums) {
  const signed char *scales = (const signed char *)(w + 192);
  fours total = {0};
  int excess = 0;
  for (int half = 0; half < 2; half++) {
    bytes one = load(w + 64 * half), other = load(w + 64 * half + 32), top = load(w + 128 + 32 * half);
    bytes quants[4] = {
      (one & every(15)) | ((bytes)((pairs)top << 4) & every(48)),
      (other & every(15)) | ((bytes)((pairs)top << 2) & every(48)),
      (shifted(one, 4) & every(15)) | (top & every(48)),
      (shifted(other, 4) & every(15)) | (shifted(top, 2) & every(48)),
    };
    for (int k = 0; k < 4; k++) {
      short a = scales[8 * half + 2 * k], b = scales[8 * half + 2 * k + 1];
      pairs scale = {a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b};
      total += scaled(quants[k], load(x + 128 * half + 32 * k), scale);
    }
  }
  for (int k = 0; k < 16; k++) excess += scales[k] * sums[k];
  return joined(total) - 32 * excess;
}
#else
static inline int q4_k_total(const unsigned char *w, const signed char *x, const int *scales) {
  int total = 0;
  for (int j = 0; j < 4; j++) {
    int low = 0, high = 0;
    for (int i = 0; i < 32; i++) {
      int packed = w[16 + 32 * j + i];
      low += (packed & 15) * x[64 * j + i];
      high += (packed >> 4) * x[64 * j + 32 + i];
    }
    total += scales[2 * j] * low + scales[2 * j + 1] * high;
  }
  return total;
}

static inline int q6_k_total(const unsigned char *w, const signed char *x, const short *sums) {
  const signed char *scales = (const signed char *)(w + 192);
  int total = 0;
  for (int half = 0; half < 2; half++)
    for (int part = 0; part < 2; part++) {
      const unsigned char *low = w + 64 * half + 16 * part, *high = w + 128 + 32 * half + 16 * part;
      const signed char *here = x + 128 * half + 16 * part;
      int found[4] = {0};
      for (int i = 0; i < 16; i++) {
        int one = low[i], other = low[32 + i], bits = high[i];
        found[0] += (((one & 15) | (bits & 3) << 4) - 32) * here[i];
        found[1] += (((other & 15) | (bits >> 2 & 3) << 4) - 32) * here[32 + i];
        found[2] += ((one >> 4 | (bits >> 4 & 3) << 4) - 32) * here[64 + i];
        found[3] += ((other >> 4 | bits >> 6 << 4) - 32) * here[96 + i];
      }
      for (int k = 0; k < 4; k++) total += scales[8 * half + part + 2 * k] * found[k];
    }
  return total;
}
#endif

static inline float q4_k(const unsigned char *w, const unsigned char *a) {
  short sums[16];
  __builtin_memcpy(sums, a + 4, 32);
  int scales[8], below = 0;
  for (int j = 0; j < 4; j++) {
    scales[j] = w[4 + j] & 63;
    scales[4 + j] = (w[12 + j] & 15) | w[4 + j] >> 6 << 4;
    below += (w[8 + j] & 63) * (sums[2 * j] + sums[2 * j + 1]);
    below += (w[12 + j] >> 4 | w[8 + j] >> 6 << 4) * (sums[2 * j + 8] + sums[2 * j + 9]);
  }
  int total = q4_k_total(w, (const signed char *)(a + 36), scales);
  float d = half_at(w) * activation_scale(a), least = half_at(w + 2) * activation_scale(a);
  float above = (float)total * d;
  float taken = (float)below * least;
  return above - taken;
}

static inline float q6_k(const unsigned char *w, const unsigned char *a) {
  short sums[16];
  __builtin_memcpy(sums, a + 4, 32);
  int total = q6_k_total(w, (const signed char *)(a + 36), sums);
  float d = half_at(w + 208) * activation_scale(a);
  return (float)total * d;
}
