/**
 * Masks what must not be published: known secrets, AWS access key IDs, account numbers, and given names. The longest is masked first,
 * because it may contain another one.
 */
export function masker(secrets: Iterable<string>, names: ReadonlyMap<string, string>): (text: string) => string {
  const known = [
    ...[...secrets]
      .flatMap(secret => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
      .map(secret => [secret, '<secret>'] as const),
    ...[...names].map(([name, shown]) => [name, `<${shown}>`] as const),
  ]
    .filter(([text]) => text.length > 2)
    .sort(([one], [other]) => other.length - one.length)
  const shownFor = new Map(known)
  // In one pass, so that a replacement is not searched again.
  const pattern = new RegExp(
    known.map(([text]) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|') || '(?!)',
    'g',
  )
  return text => {
    const masked = text.replace(pattern, found => shownFor.get(found) ?? found)
    return masked
      .replace(/\b(?:AKIA|ASIA|AROA|AIDA|ANPA|AGPA)[A-Z0-9]{8,}\b/g, '<key id>')
      .replace(/(x-amz-security-token[:=]\s*)\S+/gi, '$1<secret>')
      .replace(/(:\/\/[^:@\s/]+:)[^@\s]+@/g, '$1<secret>@')
      .replace(/(assumed-role\/[^/\s]+\/)[^\s"',]+/g, '$1<session>')
      .replace(/(?<!\d)\d{12}(?!\d)/g, '<account>')
  }
}
