import { printable, quoted, RedshiftCredentialsError } from '../../errors.js'
import type { Diagnosis } from '../call-description.js'
import { CHECK_PATH } from '../response.js'
import {
  asError,
  copyCause,
  ending,
  fromParsing,
  fromService,
  identifierOf,
  isProviderError,
  type SdkError,
  scrub,
} from '../scrub.js'
import { transportFailure, trustRemedy } from '../transport.js'
import { CREDENTIAL_FAILURES } from './all-failures.js'
import { type CredentialFailure, capitalize } from './failure.js'
import { providerOf } from './services.js'
import type { Source, SourceKind } from './sources.js'

/** Converts an error from loading AWS credentials to one that names the source at fault. */
export function credentialsError(
  thrown: unknown,
  sources: readonly Source[],
  region?: string,
): RedshiftCredentialsError {
  const error = asError(thrown)
  const said = scrub(error)
  const [code, problem, remedy] =
    explainTransport(error, said, sources, region) ??
    (['ERR_REDSHIFT_AWS_CREDENTIALS', ...explainSource(error, said, sources)] as const)
  const cause = copyCause(error)
  // The message contains names from the user's files, which may have unprintable characters.
  const message = printable(`${problem}${ending(isExplanatory(said) ? said : '')} ${remedy}`)
  return new RedshiftCredentialsError(code, message, { cause, remedy: printable(remedy) })
}

/** Whether the SDK's message explains the failure. The last error of its chain does not, nor do errors caused by bugs in the SDK. */
const isExplanatory = (said: string): boolean => !NO_CREDENTIALS.test(said) && !/\(reading 'sso_\w+'\)$/.test(said)

/** The error for a configured profile that does not exist. The SDK would continue with the credentials of another identity. */
export const missingProfileError = (sources: readonly Source[]): RedshiftCredentialsError =>
  credentialsError(new Error('Could not load credentials from any providers'), sources)

/** The error for a deadline that passes before a call is sent. Undefined if nothing that provides AWS credentials can be waiting. */
export function stalledError(sources: readonly Source[], region?: string): RedshiftCredentialsError | undefined {
  const provider = providerOf(undefined, sources, region)
  if (!provider) return undefined
  const { name, remedy } = provider
  return new RedshiftCredentialsError(
    'ERR_REDSHIFT_TIMEOUT',
    printable(`${capitalize(name)} did not return AWS credentials before the deadline. ${remedy}`),
    { remedy },
  )
}

/** The SDK's message if every source has failed. It does not contain the reason. */
const NO_CREDENTIALS = /Could not load credentials from any providers/

/** Whether the error can come from loading AWS credentials. Sources whose failure does not end the search throw only provider errors. */
export const isFromCredentials = (error: SdkError, sources: readonly Source[]): boolean =>
  isProviderError(error) ||
  fromService(error) ||
  fromParsing(error) ||
  sources.some(({ kind }) => FAIL_FAST_KINDS.has(kind))

/** Sources whose failure the SDK throws at once. After a failure of any other source, it tries the next one. */
const FAIL_FAST_KINDS: ReadonlySet<SourceKind> = new Set<SourceKind>([
  'role',
  'web identity',
  'SSO',
  'aws login',
  'process',
  'task role',
  'pod identity',
  'container endpoint',
  'own',
])

/** Diagnoses throttling, server failures and network failures. They keep their codes; the message names the service that provides the credentials. */
function explainTransport(
  error: SdkError,
  said: string,
  sources: readonly Source[],
  region: string | undefined,
): Diagnosis | undefined {
  const failure = transportFailure(error, said)
  const provider = providerOf(error, sources, region)
  if (!provider) return undefined
  const { name, remedy } = provider
  const code = failure?.code ?? 'ERR_REDSHIFT_AWS_CREDENTIALS'
  switch (failure?.kind) {
    case 'throttled':
      return [
        code,
        `${capitalize(name)} throttled the request for AWS credentials`,
        'Try again in a minute, and load AWS credentials less often.',
      ]
    case 'failed':
      return [code, `${capitalize(name)} could not return AWS credentials (${failure.detail})`, 'Try again later.']
    case 'untrusted':
      return [code, `The certificate of ${name} is not trusted (${failure.detail})`, trustRemedy(failure.detail)]
    case 'unreached':
      return [code, `${capitalize(name)} could not be reached for AWS credentials (${failure.detail})`, remedy]
    case 'late':
      return [code, `${capitalize(name)} did not return AWS credentials in time`, remedy]
    case undefined:
      return fromParsing(error) ? [code, `The response of ${name} does not come from AWS`, CHECK_PATH] : undefined
  }
}

/** Finds the first row of the table that explains the error, and the source at fault. */
function explainSource(error: SdkError, said: string, sources: readonly Source[]): [problem: string, remedy: string] {
  const words = `${identifierOf(error.name) ?? 'Error'}: ${said}`.replace(/^\w*ProviderError: /, '')
  for (const row of CREDENTIAL_FAILURES) {
    const source = row.when?.test(words) && chooseSource(row, sources, said)
    if (source) return explainRow(row, source)
  }
  const [source] = NO_CREDENTIALS.test(said)
    ? [...sources, UNKNOWN_SOURCE]
    : sources.filter(({ kind }) => FAIL_FAST_KINDS.has(kind))
  const row = source && CREDENTIAL_FAILURES.find(({ when, sources: kinds }) => !when && kinds.includes(source.kind))
  if (row) return explainRow(row, source)
  const subject =
    source?.profile === undefined ? 'The AWS credentials' : `The AWS credentials of profile ${quoted(source.profile)}`
  return [`${subject} could not be loaded`, 'Correct what this message names, or set aws.credentials.']
}

/** Chooses the source at fault. In a chain of roles, the message may name one; otherwise it is the first that the SDK tries. */
function chooseSource(row: CredentialFailure, sources: readonly Source[], said: string): Source | undefined {
  const candidates = sources.filter(({ kind }) => row.sources.includes(kind))
  const named = candidates.find(source => isNamed(source, said))
  const outer = row.ofOuterRole && candidates.findLast(({ kind }) => kind === 'role')
  return named ?? (outer || candidates[0])
}

/** Whether a message names the role or the profile of a source. */
const isNamed = ({ role, profile }: Source, said: string): boolean =>
  (role !== undefined && said.split(/[\s"'<>[\](),]+/).some(word => word.replace(/[.:;]+$/, '') === role)) ||
  (profile !== undefined && (said.includes(`Profile ${profile} `) || said.includes(`[${profile}]`)))

/** The source to report if none is configured. */
const UNKNOWN_SOURCE: Source = { kind: 'instance' }

const explainRow = (row: CredentialFailure, source: Source): [string, string] => [
  row.problem(source),
  `${row.remedy(source)}.`,
]
