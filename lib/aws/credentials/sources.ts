/** Where the SDK's default chain looks for AWS credentials. */
export type SourceKind =
  | 'environment'
  | 'half of the environment'
  | 'unknown profile'
  | 'unknown source profile'
  | 'circle'
  | 'keys'
  | 'half of the keys'
  | 'role'
  | 'role without a source'
  | 'credential source'
  | 'web identity'
  | 'half of a web identity'
  | 'process'
  | 'SSO'
  | 'aws login'
  | 'empty profile'
  | 'task role'
  | 'pod identity'
  | 'container endpoint'
  | 'instance'
  /** A provider, keys or a client that the program passes. */
  | 'own'

/** A possible source of AWS credentials, with the settings that an error message may contain. Never a key or a command. */
export interface Source {
  readonly kind: SourceKind
  /** The profile that holds these settings. */
  readonly profile?: string | undefined
  readonly role?: string | undefined
  /** The profile whose credentials assume the role. */
  readonly sourceProfile?: string | undefined
  /** Depends on the kind: a file, an endpoint, the name of a session, an account. */
  readonly detail?: string | undefined
}

/** The profiles of both AWS files by name, as the SDK merges them. SSO sessions are under `sso-session.NAME`. */
export type Profiles = Readonly<Record<string, Readonly<Record<string, string | undefined>> | undefined>>

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Returns the sources in the order in which the SDK tries them. The credentials that assume a role come before the role.
 * @param chosen the profile that the program has configured
 * @param profiles undefined if they are unknown, in which case no source comes from them
 * @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/setting-credentials-node.html
 */
export function sourcesOf(chosen: string | undefined, env: Environment, profiles: Profiles | undefined): Source[] {
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret } = env
  const named = chosen || env.AWS_PROFILE
  if (!named && key && secret) return [{ kind: 'environment' }]
  const sources: Source[] = []
  if (!named && (key || secret))
    sources.push({
      kind: 'half of the environment',
      detail: key ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID',
    })
  if (named && profiles) sources.push(...profileSources(named, profiles))
  // A default profile with only a region is not intended as a source.
  else if (profiles?.default)
    sources.push(...profileSources('default', profiles).filter(({ kind }) => kind !== 'empty profile'))
  // Keys in a profile cannot fail to load, so the SDK tries nothing after them.
  if (sources.some(({ kind }) => kind === 'keys')) return sources
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role } = env
  if (file && role) sources.push({ kind: 'web identity', role, detail: file })
  else if (file || role)
    sources.push({ kind: 'half of a web identity', detail: file ? 'AWS_ROLE_ARN' : 'AWS_WEB_IDENTITY_TOKEN_FILE' })
  return [...sources, ...remoteSources(env)]
}

/** @param path the profiles that led here by `source_profile` */
function profileSources(name: string, profiles: Profiles, path: readonly string[] = []): Source[] {
  const settings = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  const isSource = path.length > 0
  if (!settings) return [{ kind: isSource ? 'unknown source profile' : 'unknown profile', profile: name }]
  const { role_arn: role, source_profile: source, credential_source: place } = settings
  const { aws_access_key_id: key, aws_secret_access_key: secret, web_identity_token_file: file } = settings
  const profile = name
  // In the SDK's order, the keys of a source profile come before its role.
  if (isSource && key && secret) return [{ kind: 'keys', profile }]
  if (role && source && !place) {
    if (path.includes(source)) return [{ kind: 'circle', profile, detail: [...path, source].join(' → ') }]
    const inner = profileSources(source, profiles, [...path, source])
    return [...inner, { kind: 'role', profile, role, sourceProfile: source }]
  }
  if (place && !source && (role || isSource)) {
    const inner: Source = { kind: 'credential source', profile, detail: place }
    return role ? [inner, { kind: 'role', profile, role }] : [inner]
  }
  if (key && secret) return [{ kind: 'keys', profile }]
  if (file && role) return [{ kind: 'web identity', profile, role, detail: file }]
  if (role) return [{ kind: 'role without a source', profile, role }]
  if (settings.credential_process) return [{ kind: 'process', profile }]
  const { sso_session: session, sso_role_name: set, sso_account_id: account } = settings
  if (session || settings.sso_start_url || set || account)
    return [{ kind: 'SSO', profile, detail: session, role: set && account && `${set} in account ${account}` }]
  if (settings.login_session) return [{ kind: 'aws login', profile }]
  if (key || secret)
    return [{ kind: 'half of the keys', profile, detail: key ? 'aws_secret_access_key' : 'aws_access_key_id' }]
  return [{ kind: 'empty profile', profile }]
}

/** The sources of containers and instances. The SDK uses an instance only if no container is configured. */
function remoteSources(env: Environment): Source[] {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env
  if (relative) return [{ kind: 'task role', detail: `http://169.254.170.2${relative}` }]
  if (full)
    return [
      {
        kind: /\/\/(169\.254\.170\.23|\[fd00:ec2::23\])/.test(full) ? 'pod identity' : 'container endpoint',
        detail: full,
      },
    ]
  const disabled = env.AWS_EC2_METADATA_DISABLED
  return disabled && disabled !== 'false' ? [] : [{ kind: 'instance' }]
}

/** The endpoint of a container, without the path and user in its URL. */
export const containerEndpoint = ({ detail = '' }: Source): string =>
  `the container credentials endpoint${URL.canParse(detail) ? ` at ${new URL(detail).host}` : ''}`
