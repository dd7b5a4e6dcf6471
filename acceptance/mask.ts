/**
 * Hides what must not be published: known secrets, AWS access key ids and account numbers, and the names that were given.
 * Longest first, since one may contain another.
 */
export function masker(secrets: Iterable<string>, names: ReadonlyMap<string, string>): (text: string) => string {
  const known = [
    ...[...secrets].map(secret => [secret, '<secret>'] as const),
    ...[...names].map(([name, shown]) => [name, `<${shown}>`] as const),
  ]
    .filter(([text]) => text.length > 2)
    .sort(([one], [other]) => other.length - one.length)
  return text => {
    let masked = text
    for (const [hidden, shown] of known) masked = masked.replaceAll(hidden, shown)
    return masked
      .replace(/\b(?:AKIA|ASIA|AROA|AIDA|ANPA|AGPA)[A-Z0-9]{8,}\b/g, '<key id>')
      .replace(/(?<!\d)\d{12}(?!\d)/g, '<account>')
  }
}
