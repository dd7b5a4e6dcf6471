import { createHash, generateKeyPairSync } from 'node:crypto'
import type { RedshiftErrorCode } from '../../lib/index.js'
import { type CredentialServer, jsonError, type Reply, stsError } from './credential-server.js'

/** A user's set-up when it fails: variables, files below HOME, and the replies of AWS. */
export interface CredentialCase {
  /** The row of the table that explains it. */
  readonly failure: string
  readonly source: string
  readonly env?: Readonly<Record<string, string>>
  readonly config?: string
  readonly files?: Readonly<Record<string, string>>
  /** The names that the remedy contains. */
  readonly names: readonly string[]
}

const ROLE = 'arn:aws:iam::123456789012:role/reader'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const KEYS = `aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = ${SECRET}`
const START_URL = 'https://example.awsapps.com/start'
const LATER = '2090-01-01T00:00:00Z'
const SESSION = 'arn:aws:iam::123456789012:user/alice'

const SSO_PROFILE = `[profile analyst]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Analyst\n[sso-session corp]\nsso_start_url = ${START_URL}\nsso_region = us-west-2`
const SIGNED_IN = { AWS_PROFILE: 'dev', AWS_LOGIN_CACHE_DIRECTORY: '{home}/.aws/login/cache' }

const hash = (name: string, kind: 'sha1' | 'sha256'): string => createHash(kind).update(name).digest('hex')

/** A session of `aws sso login`. */
const ssoToken = (name: string, expiresAt: string): Record<string, string> => ({
  [`.aws/sso/cache/${hash(name, 'sha1')}.json`]: JSON.stringify({ accessToken: 'hunter2-token', expiresAt }),
})

const dpopKey = (): string =>
  String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }))

/** A session of `aws login` that has to be renewed. */
const loginToken = (): Record<string, string> => ({
  [`.aws/login/cache/${hash(SESSION, 'sha256')}.json`]: JSON.stringify({
    accessToken: {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: SECRET,
      sessionToken: 'hunter2-session',
      accountId: '123456789012',
      expiresAt: '2020-01-01T00:00:00Z',
    },
    clientId: 'client',
    refreshToken: 'hunter2-refresh',
    dpopKey: dpopKey(),
  }),
})

/** The network failures on the way to the service that gives AWS credentials. */
export interface TransportCase {
  readonly what: string
  readonly code: RedshiftErrorCode
  /** The service that the message names. */
  readonly names: readonly string[]
  readonly one: CredentialCase
}

export function transportCases(server: CredentialServer): readonly TransportCase[] {
  const roleFrom = (url: string): CredentialCase => ({
    failure: '',
    source: 'role',
    env: { AWS_PROFILE: 'reader', AWS_ENDPOINT_URL_STS: url, AWS_MAX_ATTEMPTS: '1' },
    config: `[profile reader]\nrole_arn = ${ROLE}\nsource_profile = base\n[profile base]\n${KEYS}`,
    names: [],
  })
  const ssoFrom = (url: string): CredentialCase => ({
    failure: '',
    source: 'SSO',
    env: { AWS_PROFILE: 'analyst', AWS_ENDPOINT_URL_SSO: url, AWS_MAX_ATTEMPTS: '1' },
    config: SSO_PROFILE,
    files: ssoToken('corp', LATER),
    names: [],
  })
  const busy = stsError('Throttling', 'Rate exceeded', 400)
  const broken = stsError('InternalFailure', 'It failed', 500)
  const tooMany = jsonError('TooManyRequestsException', { message: 'no' }, 429)
  return [
    {
      what: 'AWS STS is out of reach',
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['AWS STS', '127.0.0.1:1', 'sts'],
      one: roleFrom('http://127.0.0.1:1'),
    },
    {
      what: 'AWS STS throttles',
      code: 'ERR_REDSHIFT_THROTTLED',
      names: ['AWS STS'],
      one: roleFrom(server.url('throttled', busy)),
    },
    {
      what: 'AWS STS fails',
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['AWS STS', 'HTTP 500'],
      one: roleFrom(server.url('broken', broken)),
    },
    {
      what: 'AWS STS responds with a page of a proxy',
      code: 'ERR_REDSHIFT_AWS_CREDENTIALS',
      names: ['AWS STS'],
      one: roleFrom(server.url('page', { status: 200, body: '<html>hunter2' })),
    },
    {
      what: 'IAM Identity Center is out of reach',
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['IAM Identity Center'],
      one: ssoFrom('http://127.0.0.1:1'),
    },
    {
      what: 'IAM Identity Center throttles',
      code: 'ERR_REDSHIFT_THROTTLED',
      names: ['IAM Identity Center'],
      one: ssoFrom(server.url('sso-throttled', tooMany)),
    },
  ]
}

/** Each failure of the table as a user encounters it. `{home}` in a variable is the folder of HOME. */
export function credentialCases(server: CredentialServer): readonly CredentialCase[] {
  let count = 0
  const cases: CredentialCase[] = []
  const add = (one: CredentialCase & { reply?: Reply; at?: string }): void => {
    const { reply, at, env, ...rest } = one
    const name = `case-${++count}`
    const endpoint: Record<string, string> = reply && at ? { [at]: server.url(name, reply) } : {}
    cases.push({ ...rest, env: { ...env, ...endpoint } })
  }

  const web = (failure: string, reply: Reply, ...names: string[]): void =>
    add({
      failure,
      source: 'web identity',
      env: { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '{home}/token' },
      files: { token: 'hunter2-jwt' },
      reply,
      at: 'AWS_ENDPOINT_URL_STS',
      names,
    })
  web(
    'the role does not trust the web identity',
    stsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'),
    '`aud`',
    '`sub`',
  )
  web(
    'the account has no OIDC provider',
    stsError(
      'InvalidIdentityToken',
      'No OpenIDConnect provider found in your account for https://oidc.example.com',
      400,
    ),
    'IAM',
    'OIDC',
    'ARN',
  )
  web(
    'the token has another audience',
    stsError('InvalidIdentityToken', 'Incorrect token audience', 400),
    'sts.amazonaws.com',
  )
  web(
    'the web identity token has expired',
    stsError(
      'ExpiredTokenException',
      'Token expired: current date/time 1 must be before the expiration date/time 0',
      400,
    ),
    'subPath',
  )
  web(
    'AWS does not accept the web identity token',
    stsError('InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider", 400),
    'OIDC',
  )
  web(
    'the role session is too long',
    stsError('ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.', 400),
    'duration of the role session',
    'durationSeconds',
  )
  web(
    'AWS STS is off in the region',
    stsError('RegionDisabledException', 'STS is not activated in this region for account:1'),
    'IAM',
    'AWS_REGION',
  )
  web(
    'AWS STS refuses a parameter',
    stsError(
      'ValidationError',
      "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint",
      400,
    ),
    'role_arn',
  )
  add({
    failure: 'the token file is missing',
    source: 'web identity',
    env: { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/no/such/token' },
    names: ['AWS_WEB_IDENTITY_TOKEN_FILE'],
  })
  add({
    failure: 'half a web identity in the environment',
    source: 'half of a web identity',
    env: { AWS_ROLE_ARN: ROLE },
    names: ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
  })

  const role = (failure: string, reply: Reply, ...names: string[]): void =>
    add({
      failure,
      source: 'role',
      env: { AWS_PROFILE: 'reader' },
      config: `[profile reader]\nrole_arn = ${ROLE}\nsource_profile = base\n[profile base]\n${KEYS}`,
      reply,
      at: 'AWS_ENDPOINT_URL_STS',
      names,
    })
  role(
    'the role session is too long',
    stsError('ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.', 400),
    'duration_seconds',
    '"reader"',
    'durationSeconds',
  )
  role(
    'AWS STS is off in the region',
    stsError('RegionDisabledException', 'STS is not activated in this region for account:1'),
    'IAM',
    'AWS_REGION',
  )
  role(
    'AWS STS refuses a parameter',
    stsError('ValidationError', '1 validation error detected: x', 400),
    'role_arn',
    'profile "reader"',
  )
  role(
    'the MFA code is wrong',
    stsError('AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code. '),
    'mfa_serial',
  )
  role(
    'the role may not be assumed',
    stsError('AccessDenied', `User: ${SESSION} is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`),
    'sts:AssumeRole',
  )
  role(
    'the credentials that assume the role are not accepted',
    stsError('InvalidClientTokenId', 'The security token included in the request is invalid.'),
    'profile "base"',
  )
  add({
    failure: 'no MFA code is available',
    source: 'role',
    env: { AWS_PROFILE: 'reader' },
    config: `[profile reader]\nrole_arn = ${ROLE}\nmfa_serial = arn:aws:iam::123456789012:mfa/alice\nsource_profile = base\n[profile base]\n${KEYS}`,
    names: ['mfaCodeProvider', 'aws.credentials', '--profile reader'],
  })

  const sso = (failure: string, more: Partial<CredentialCase> & { reply?: Reply }, ...names: string[]): void =>
    add({
      failure,
      source: 'SSO',
      env: { AWS_PROFILE: 'analyst' },
      config: SSO_PROFILE,
      at: 'AWS_ENDPOINT_URL_SSO',
      names,
      ...more,
    })
  const open = { files: ssoToken('corp', LATER) }
  sso('the SSO session has ended', {}, '`aws sso login --profile analyst`')
  sso(
    'the SSO session has ended',
    { files: ssoToken('corp', '2020-01-01T00:00:00Z') },
    '`aws sso login --profile analyst`',
  )
  sso(
    'the SSO session has ended',
    { ...open, reply: jsonError('UnauthorizedException', { message: 'Session token not found or invalid' }, 401) },
    '`aws sso login --profile analyst`',
  )
  const legacy = `[profile analyst]\nsso_start_url = ${START_URL}\nsso_region = us-west-2\nsso_account_id = 123456789012\nsso_role_name = Analyst`
  sso('the SSO session has ended', { config: legacy }, '`aws sso login --profile analyst`')
  sso(
    'the SSO session has ended',
    { config: legacy, files: ssoToken(START_URL, '2020-01-01T00:00:00Z') },
    '`aws sso login --profile analyst`',
  )
  sso(
    'the SSO session has ended',
    {
      env: { AWS_PROFILE: 'reader' },
      config: `[profile reader]\nrole_arn = ${ROLE}\nsource_profile = analyst\n${legacy}`,
    },
    '`aws sso login --profile analyst`',
  )
  sso(
    'the permission set is not assigned',
    { ...open, reply: jsonError('ForbiddenException', { message: 'No access' }) },
    'sso_account_id',
    'sso_role_name',
    'profile "analyst"',
  )
  sso(
    'IAM Identity Center refuses a parameter',
    { ...open, reply: jsonError('InvalidRequestException', { message: 'x' }, 400) },
    'sso_account_id',
    'sso_role_name',
    'profile "analyst"',
  )
  sso(
    'the sso-session is not in the file',
    { config: `[profile analyst]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Analyst` },
    '[sso-session corp]',
    'sso_start_url',
    'sso_region',
  )
  sso(
    'the SSO profile is incomplete',
    { config: `[profile analyst]\nsso_start_url = ${START_URL}\nsso_region = us-west-2` },
    '`aws configure sso`',
    'sso_account_id',
    'sso_role_name',
    'sso_session',
  )

  const login = (failure: string, more: Partial<CredentialCase> & { reply?: Reply }, ...names: string[]): void =>
    add({
      failure,
      source: 'aws login',
      env: SIGNED_IN,
      config: `[profile dev]\nlogin_session = ${SESSION}\nregion = us-west-2`,
      files: loginToken(),
      at: 'AWS_ENDPOINT_URL_SIGNIN',
      names,
      ...more,
    })
  const refused = (error: string): Reply => jsonError('AccessDeniedException', { error, message: 'no' })
  login('the session of aws login has ended', { files: {} }, '`aws login --profile dev`')
  login('the session of aws login has ended', { reply: refused('TOKEN_EXPIRED') }, '`aws login --profile dev`')
  login(
    'the password has changed since aws login',
    { reply: refused('USER_CREDENTIALS_CHANGED') },
    '`aws login --profile dev`',
  )
  login('aws login lacks a permission', { reply: refused('INSUFFICIENT_PERMISSIONS') }, 'signin:CreateOAuth2Token')
  login(
    'the session of aws login cannot be renewed',
    { env: { ...SIGNED_IN, AWS_ENDPOINT_URL_SIGNIN: 'http://127.0.0.1:1' } },
    '`aws login --profile dev`',
    'network',
  )

  const profile = (failure: string, source: string, config: string, ...names: string[]): void =>
    add({ failure, source, env: { AWS_PROFILE: 'dev' }, config, names })
  profile(
    'the credential_process fails',
    'process',
    '[profile dev]\ncredential_process = sh -c "exit 3" hunter2',
    'PATH',
    'HOME',
  )
  profile(
    'there is no such profile',
    'unknown profile',
    '',
    'AWS_PROFILE',
    'aws.profile',
    '`aws configure list-profiles`',
  )
  profile(
    'source_profile does not exist',
    'unknown source profile',
    `[profile dev]\nrole_arn = ${ROLE}\nsource_profile = nobody`,
    '`aws configure list-profiles`',
  )
  profile(
    'source_profile leads in a circle',
    'circle',
    `[profile dev]\nrole_arn = ${ROLE}\nsource_profile = other\n[profile other]\nrole_arn = ${ROLE}\nsource_profile = dev`,
    'credentials',
  )
  profile('role_arn without a source', 'role without a source', `[profile dev]\nrole_arn = ${ROLE}`)
  profile(
    'the credential_source has no credentials',
    'credential source',
    `[profile dev]\nrole_arn = ${ROLE}\ncredential_source = Environment`,
    'Environment',
    'Ec2InstanceMetadata',
    'EcsContainer',
    'source_profile',
  )
  profile('half a key pair in the profile', 'half of the keys', '[profile dev]\naws_secret_access_key = hunter2')
  profile(
    'the profile has no credentials',
    'empty profile',
    '[profile dev]\nregion = us-west-2',
    'role_arn',
    'credential_process',
    '`aws configure sso`',
  )
  add({
    failure: 'half a key pair in the environment',
    source: 'half of the environment',
    env: { AWS_ACCESS_KEY_ID: 'a' },
    names: ['unset'],
  })

  add({
    failure: 'the authorization token file is missing',
    source: 'container endpoint',
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/x',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/no/such/file',
    },
    names: ['token', 'variable'],
  })
  add({
    failure: 'the container endpoint returns no credentials',
    source: 'container endpoint',
    at: 'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    reply: { status: 404, body: '{}' },
    names: ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  })
  add({
    failure: 'EKS Pod Identity returns no credentials',
    source: 'pod identity',
    env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' },
    names: ['EKS Pod Identity Agent'],
  })
  add({
    failure: 'the ECS endpoint returns no credentials',
    source: 'task role',
    env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/x' },
    names: ['ECS', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
  })
  add({
    failure: 'there are no AWS credentials',
    source: 'instance',
    env: { AWS_EC2_METADATA_DISABLED: 'false' },
    at: 'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    reply: { status: 404, body: '' },
    names: ['EC2', 'AWS_PROFILE'],
  })
  add({ failure: 'there are no AWS credentials', source: 'nothing at all', names: ['AWS_PROFILE', '`aws sso login`'] })
  return cases
}
