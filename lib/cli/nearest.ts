/** The known name that is nearest to an unknown one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = fold(name)
  const ranked = known.map(candidate => ({ candidate, distance: distanceTo(wanted, fold(candidate)) }))
  return ranked.sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** `--clusterIdentifier` and `--cluster_identifier` are `--cluster-identifier` to a person. */
const fold = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

/** A name that is cut short, or has words more, is nearer than its number of letters says. */
function distanceTo(wanted: string, candidate: string): number {
  const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted]
  if (short.length > 2 && long.startsWith(short)) return 1 - short.length / long.length
  if (short.length > 3 && long.includes(short)) return 2 - short.length / long.length
  return editDistance(wanted, candidate)
}

/** Levenshtein's: how many letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
