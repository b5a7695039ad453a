// Statistics and sketch of rows, for CUDA: ml/statistics.py and ml/sketch.py say what they are.
//
// One block of 256 threads a row. Thread t of each group of 64 feeds lane t, whatever the turn of a
// block of channels, so that lanes need no exchange until the end. Sums are taken in double and
// joined in a fixed order: the same row always gives the same bits.

#define LANES 64
#define GROUPS 4
#define THREADS 256
#define COLUMNS 74

__device__ double joined(double *shared, double value) {
  int t = threadIdx.x;
  __syncthreads();
  shared[t] = value;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) shared[t] += shared[t + half];
  }
  __syncthreads();
  return shared[0];
}

__device__ void row(float *out, const float *signs, const int *turns, const float *x, int width) {
  __shared__ double shared[THREADS];
  int t = threadIdx.x, lane = t % LANES, blocks = (width + LANES - 1) / LANES;
  double sum = 0, magnitude = 0, lanes = 0, finite = 0, nan = 0, above = 0, below = 0, zero = 0;
  float low = __int_as_float(0x7F800000), high = __int_as_float(0xFF800000);
  for (int block = t / LANES; block < blocks; block += GROUPS) {
    int i = block * LANES + ((lane - turns[block]) & (LANES - 1));
    if (i >= width) continue;
    float value = x[i];
    unsigned bits = __float_as_uint(value), size_bits = bits & 0x7FFFFFFFu;
    nan += size_bits > 0x7F800000u;
    above += bits == 0x7F800000u;
    below += bits == 0xFF800000u;
    zero += size_bits == 0;
    if (size_bits >= 0x7F800000u) continue;
    finite += 1;
    sum += value;
    magnitude += __uint_as_float(size_bits);
    lanes += (double)(value * signs[i]);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  double count = joined(shared, finite), total = joined(shared, sum);
  double mean = count > 0 ? total / count : 0.0, squares = 0;
  for (int i = t; i < width; i += THREADS) {
    float value = x[i];
    if ((__float_as_uint(value) & 0x7FFFFFFFu) >= 0x7F800000u) continue;
    squares += (value - mean) * (value - mean);
  }
  double m2 = joined(shared, squares), absolute = joined(shared, magnitude);
  double nans = joined(shared, nan), aboves = joined(shared, above), belows = joined(shared, below);
  double zeros = joined(shared, zero);
  __syncthreads();
  shared[t] = lanes;
  __syncthreads();
  if (t < LANES) {
    double whole = (shared[t] + shared[t + LANES]) + (shared[t + 2 * LANES] + shared[t + 3 * LANES]);
    out[10 + t] = count == width ? (float)whole : __int_as_float(0x7FC00000);
  }
  // Extremes need no order: they are the same in any.
  __syncthreads();
  float *extremes = (float *)shared;
  extremes[t] = low;
  extremes[THREADS + t] = high;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) {
      extremes[t] = fminf(extremes[t], extremes[t + half]);
      extremes[THREADS + t] = fmaxf(extremes[THREADS + t], extremes[THREADS + t + half]);
    }
  }
  __syncthreads();
  if (t == 0) {
    out[0] = count; out[1] = mean; out[2] = m2;
    out[3] = count > 0 ? extremes[0] : 0.0f; out[4] = count > 0 ? extremes[THREADS] : 0.0f;
    out[5] = absolute; out[6] = nans; out[7] = aboves; out[8] = belows; out[9] = zeros;
  }
}
