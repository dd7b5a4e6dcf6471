import leven from 'leven'

/** Returns the known name that is most similar to an unknown one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const unknown = fold(name)
  const ranked = known.map(candidate => ({ candidate, distance: distance(unknown, fold(candidate)) }))
  return ranked.sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** Treats `--clusterIdentifier` and `--cluster_identifier` as `--cluster-identifier`. */
const fold = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

/** The edit distance, but a name that starts with or contains the other one is nearer, whatever their lengths. */
function distance(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length > 2 && long.startsWith(short)) return 1 - short.length / long.length
  if (short.length > 3 && long.includes(short)) return 2 - short.length / long.length
  return leven(a, b)
}
