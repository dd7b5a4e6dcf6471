import { optionError, quoted, type RedshiftCredentialsError } from './errors.js'
import { checkPlain } from './plain-object.js'

/** A token from an identity provider, with its expiration. */
export interface ProvidedToken {
  /** The token, without a scheme such as `Bearer`. */
  token: string
  /** When the token expires. It is not used after that, and is cached for at most 24 hours. */
  expiration: Date
}

/** How to get a person's token, and how the identity provider is registered in Redshift. */
export interface IdentityProvider {
  /** The provider's type in Redshift: `AwsIdc` (IAM Identity Center), `AzureAD` or `Okta`. */
  type: 'AwsIdc' | 'AzureAD' | 'Okta'
  /**
   * Returns the person's current token: a string, or `{ token, expiration }`. A string expires at the `exp` claim of the JWT; without
   * one, after 15 minutes. `signal` aborts at the deadline of the fetch, when the credentials are closed, and, for an `EXT_JWT`, when the
   * caller aborts.
   */
  token: (options: { signal: AbortSignal }) => string | ProvidedToken | Promise<string | ProvidedToken>
  /**
   * Required for `AwsIdc`. An `ACCESS_TOKEN` is cached. An `EXT_JWT` is valid for one login: `token` is called for each connection, and
   * nothing is cached.
   */
  tokenType?: 'ACCESS_TOKEN' | 'EXT_JWT' | undefined
  /** The namespace of the provider in Redshift. Set it if several providers are registered. */
  namespace?: string | undefined
  /** The name of the provider in Redshift. Set it if several providers are registered. */
  providerName?: string | undefined
}

/** How a connection logs in with a token. */
export interface TokenLogin {
  /** The parameters of the start-up packet, instead of a user. */
  readonly parameters: Readonly<Record<string, string>>
  /** Whether each token is valid for only one connection. */
  readonly singleUse: boolean
}

/** The options that select a login with a token. */
interface TokenOptions {
  readonly api?: unknown
  readonly identityProvider?: IdentityProvider | undefined
}

export const TOKEN_API = 'GetIdentityCenterAuthToken'

/** The longest time for which a token is cached, in seconds. Then the application's function is called again. */
export const MAX_TOKEN_SECONDS = 24 * 3_600

const TYPES: ReadonlySet<unknown> = new Set(['AwsIdc', 'AzureAD', 'Okta'])
const TOKEN_TYPES: ReadonlySet<unknown> = new Set(['ACCESS_TOKEN', 'EXT_JWT'])
const KEYS = ['type', 'token', 'tokenType', 'namespace', 'providerName']

/** Checks the option `identityProvider`. Throws `ERR_REDSHIFT_OPTION`. */
export function checkIdentityProvider(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw optionError(`identityProvider is ${quoted(value)}. Set it to { type, token, tokenType }.`)
  checkPlain('identityProvider', value, '{ type, token, tokenType }')
  for (const [key, part] of Object.entries(value))
    if (part !== undefined && !KEYS.includes(key))
      throw optionError(`There is no identityProvider.${key}. Its keys are ${KEYS.join(', ')}.`)
  const { type, token, tokenType, namespace, providerName } = value as Partial<Record<string, unknown>>
  if (!TYPES.has(type))
    throw optionError(`identityProvider.type is ${quoted(type)}. Set it to one of ${[...TYPES].join(', ')}.`)
  // The message leaves out the value, which may be a token.
  if (typeof token !== 'function')
    throw optionError(
      `identityProvider.token is of type ${typeof token}. Set it to a function that returns the current token.`,
    )
  if (tokenType === undefined ? type === 'AwsIdc' : !TOKEN_TYPES.has(tokenType))
    throw optionError(
      `identityProvider.tokenType is ${quoted(tokenType)}. Set it to one of ${[...TOKEN_TYPES].join(', ')}.`,
    )
  for (const [key, name] of Object.entries({ namespace, providerName }))
    if (name !== undefined && (typeof name !== 'string' || name === '' || name.includes('\0')))
      throw optionError(`identityProvider.${key} is ${quoted(name)}. Set it to the name in Redshift, or leave it out.`)
}

/** Options that cannot be used with a token, each with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  user: 'the token identifies the person',
  dbUser: 'the token identifies the person',
  dbGroups: 'groups come from the identity provider',
  autoCreate: 'the identity provider decides which users exist',
  dbName: 'a token is valid for every database',
  durationSeconds: 'the lifetime of a token is fixed',
  customDomainName: 'a token is for the name of a cluster or workgroup',
  store: 'its keys do not contain the person, so one person could get the token of another',
}
const REFUSED_OF_PROVIDER: Readonly<Record<string, string>> = {
  ...REFUSED,
  api: 'AWS is not called',
  aws: 'AWS is not called',
  region: 'AWS is not called',
  clusterIdentifier: 'AWS is not called, and host decides where to connect',
  workgroupName: 'AWS is not called, and host decides where to connect',
}

/** Refuses options that cannot be used with tokens. Throws `ERR_REDSHIFT_OPTION`. */
export function checkTokenOptions(options: TokenOptions): void {
  const by = options.identityProvider ? 'identityProvider' : options.api === TOKEN_API ? TOKEN_API : undefined
  if (!by) return
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  for (const [option] of given) {
    const reason = (options.identityProvider ? REFUSED_OF_PROVIDER : REFUSED)[option]
    if (reason !== undefined) throw optionError(`${option} cannot be used with ${by}: ${reason}. Leave ${option} out.`)
  }
}

/** The error of functions that would make a client send a user name before the token. */
export const passwordRefused = (what: string): RedshiftCredentialsError =>
  optionError(
    `${what} returns a password, but these credentials use a token. Use RedshiftPool, RedshiftPgClient, redshiftPoolOptions or redshiftKnexConnection, or call getToken() for the token.`,
  )

/** Copies the option, so that later changes of the object have no effect. */
export function copyProvider(provider: IdentityProvider): IdentityProvider {
  const { type, token, tokenType, namespace, providerName } = provider
  return { type, token: options => token.call(provider, options), tokenType, namespace, providerName }
}

/** Returns how to log in with a token, or undefined if the options select a password. */
export function tokenLoginOf({ api, identityProvider }: TokenOptions): TokenLogin | undefined {
  if (!identityProvider)
    return api === TOKEN_API
      ? { parameters: { idp_type: 'AwsIdc', token_type: 'SUBJECT_TOKEN' }, singleUse: false }
      : undefined
  const { type, tokenType, namespace, providerName } = identityProvider
  return {
    parameters: {
      idp_type: type,
      ...(type === 'AwsIdc' && tokenType && { token_type: tokenType }),
      ...(namespace !== undefined && { identity_namespace: namespace }),
      ...(providerName !== undefined && { provider_name: providerName }),
    },
    singleUse: tokenType === 'EXT_JWT',
  }
}
