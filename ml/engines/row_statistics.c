// Statistics and sketch of rows, for the CPU: ml/statistics.py and ml/sketch.py say what they are.
//
// Sums are taken in double, in eight strands that are joined in a fixed order, so that the compiler
// may use vectors and the same row always gives the same bits. Floats are told apart by their bits,
// whatever a compiler assumes of NaN.

#define LANES 64
#define STRANDS 8
#define COLUMNS 74

static inline unsigned bits_of(float x) { unsigned u; __builtin_memcpy(&u, &x, 4); return u; }
static inline float float_of(unsigned u) { float x; __builtin_memcpy(&x, &u, 4); return x; }

static inline double joined(const double *strands) {
  return ((strands[0] + strands[1]) + (strands[2] + strands[3])) +
         ((strands[4] + strands[5]) + (strands[6] + strands[7]));
}

static void row(float *out, const float *signs, const int *turns, const float *x, int width) {
  double sum[STRANDS] = {0}, magnitude[STRANDS] = {0}, lanes[LANES] = {0};
  float low[STRANDS], high[STRANDS];
  int finite[STRANDS] = {0}, nan[STRANDS] = {0}, zero[STRANDS] = {0};
  int above[STRANDS] = {0}, below[STRANDS] = {0};
  for (int s = 0; s < STRANDS; s++) { low[s] = float_of(0x7F800000u); high[s] = float_of(0xFF800000u); }
  for (int block = 0; block * LANES < width; block++) {
    float held[LANES], signed_[LANES];
    int size = width - block * LANES < LANES ? width - block * LANES : LANES;
    for (int j = 0; j < size; j++) held[j] = x[block * LANES + j];
    for (int j = size; j < LANES; j++) held[j] = float_of(0x7FC00001u);  // counted off at the end
    for (int j = 0; j < LANES; j += STRANDS)
      for (int s = 0; s < STRANDS; s++) {
        unsigned bits = bits_of(held[j + s]), size_bits = bits & 0x7FFFFFFFu;
        int is_finite = size_bits < 0x7F800000u;
        float value = is_finite ? held[j + s] : 0.0f;
        held[j + s] = value;
        sum[s] += (double)value;
        magnitude[s] += (double)float_of(bits_of(value) & 0x7FFFFFFFu);
        finite[s] += is_finite;
        nan[s] += size_bits > 0x7F800000u;
        above[s] += bits == 0x7F800000u;
        below[s] += bits == 0xFF800000u;
        zero[s] += size_bits == 0;
        low[s] = is_finite && value < low[s] ? value : low[s];
        high[s] = is_finite && value > high[s] ? value : high[s];
      }
    for (int j = 0; j < LANES; j++) signed_[j] = held[j] * signs[block * LANES + j];
    int turn = turns[block];
    for (int j = 0; j < LANES - turn; j++) lanes[j + turn] += (double)signed_[j];
    for (int j = LANES - turn; j < LANES; j++) lanes[j + turn - LANES] += (double)signed_[j];
  }
  int count = 0, nans = 0, zeros = 0, aboves = 0, belows = 0;
  float least = float_of(0x7F800000u), greatest = float_of(0xFF800000u);
  for (int s = 0; s < STRANDS; s++) {
    count += finite[s]; nans += nan[s]; zeros += zero[s]; aboves += above[s]; belows += below[s];
    least = low[s] < least ? low[s] : least;
    greatest = high[s] > greatest ? high[s] : greatest;
  }
  nans -= (LANES - width % LANES) % LANES;
  double mean = count ? joined(sum) / count : 0.0, squares[STRANDS] = {0};
  int whole = width / STRANDS * STRANDS;
  for (int i = 0; i < whole; i += STRANDS)
    for (int s = 0; s < STRANDS; s++) {
      int is_finite = (bits_of(x[i + s]) & 0x7FFFFFFFu) < 0x7F800000u;
      double distance = is_finite ? (double)x[i + s] - mean : 0.0;
      squares[s] += distance * distance;
    }
  for (int i = whole; i < width; i++) {
    int is_finite = (bits_of(x[i]) & 0x7FFFFFFFu) < 0x7F800000u;
    double distance = is_finite ? (double)x[i] - mean : 0.0;
    squares[i - whole] += distance * distance;
  }
  out[0] = count; out[1] = (float)mean; out[2] = (float)joined(squares);
  out[3] = count ? least : 0.0f; out[4] = count ? greatest : 0.0f; out[5] = (float)joined(magnitude);
  out[6] = nans; out[7] = aboves; out[8] = belows; out[9] = zeros;
  for (int l = 0; l < LANES; l++)
    out[10 + l] = count == width ? (float)lanes[l] : float_of(0x7FC00000u);
}
