/** The value below which this share (0 to 1) of the samples lies, interpolated. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = Float64Array.from(samples).sort()
  if (sorted.length === 0) return Number.NaN
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5)

export const largest = (samples: readonly number[]): number => samples.reduce((a, b) => Math.max(a, b), -Infinity)

export const smallest = (samples: readonly number[]): number => samples.reduce((a, b) => Math.min(a, b), Infinity)

export const mean = (samples: readonly number[]): number => samples.reduce((a, b) => a + b, 0) / samples.length

/** The median of the ratios of pairs. What affects both runs of a pair (a busy machine, a warm cache) cancels out. */
export const pairedRatio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, pair) => value / (theirs[pair] ?? Number.NaN)))

/**
 * The 95 % interval of the median: the middle 95 % of the medians of random resamples.
 * @param random draws from [0, 1)
 */
export function medianInterval(samples: readonly number[], random: () => number, draws = 1_000): [number, number] {
  const medians = Array.from({ length: draws }, () =>
    median(samples.map(() => samples[Math.floor(random() * samples.length)] ?? Number.NaN)),
  )
  return [quantile(medians, 0.025), quantile(medians, 0.975)]
}
