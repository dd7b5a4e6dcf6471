/** Options of the library that have a flag of another spelling. Plain words such as host are left to the reader. */
const FLAGS: Readonly<Record<string, string>> = {
  clusterIdentifier: '--cluster-identifier',
  workgroupName: '--workgroup-name',
  customDomainName: '--custom-domain-name',
  dbUser: '--db-user',
  dbName: '--db-name',
  dbGroups: '--db-groups',
  autoCreate: '--auto-create',
  durationSeconds: '--duration-seconds',
  fetchTimeoutMillis: '--cli-read-timeout',
  'aws.requestHandler': '--cli-connect-timeout and --cli-read-timeout',
}

/** What the library advises a program, and what somebody at a terminal can do instead. */
export const REMEDIES: Readonly<Record<string, string>> = {
  'Set api to another operation.':
    'Name a database user by --db-user, or leave --db-user out: that asks for the login by another operation.',
  'Share one RedshiftCredentials among pools, or spread the start of processes; the call is repeated by itself.':
    'Try again in a minute; if other programs here ask AWS once per connection, let them share a login.',
  'Try again later; the call is repeated by itself.': 'Try again later.',
  'Check the provider of AWS credentials, or set aws.credentials.': "Check the profile's source of AWS credentials.",
  'See cause, and the option aws.': '--debug shows where it comes from.',
}

const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'] as const

/** A message of the library, as it helps somebody at a terminal. */
export function inFlags(message: string): string {
  const remedy = Object.keys(REMEDIES).find(text => message.endsWith(text))
  const advised = remedy === undefined ? message : `${message.slice(0, -remedy.length)}${REMEDIES[remedy]}`
  const flagged = advised.replace(/\baws\.requestHandler\b|\b[a-z]+[A-Z]\w*\b/g, word => FLAGS[word] ?? word)
  const proxy = PROXIES.find(name => process.env[name])
  const unreached = /^AWS could not be reached|was not answered within|^AWS did not answer/.test(message)
  return unreached && proxy !== undefined
    ? `${flagged} ${proxy} is set, but not read: AWS is called directly.`
    : flagged
}
