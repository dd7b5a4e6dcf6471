type SettingsOf = (profile: string) => Readonly<Record<string, string | undefined>> | undefined

/** What gives credentials, or says itself why it does not. */
const OTHER_SOURCES = /^(aws_|sso_|web_identity_token_file$|login_session$)/

/**
 * What may be wrong with the source of a profile's AWS credentials, and what helps: the SDK only says that there are none. Undefined
 * where the settings do not tell. A command stays unsaid: its arguments may be secrets.
 * @param path the profiles that led here by their `source_profile`
 */
export function sourceProblem(name: string, settingsOf: SettingsOf, path: readonly string[] = []): string | undefined {
  const settings = settingsOf(name)
  if (path.includes(name))
    return `source_profile leads in a circle, ${[...path, name].join(' → ')}. Let one of them hold credentials.`
  if (!settings)
    return `source_profile names ${JSON.stringify(name)}, which is no profile. Correct it; \`aws configure list-profiles\` lists them.`
  const { role_arn: role, source_profile: source, credential_source: place, aws_access_key_id: key } = settings
  const { aws_secret_access_key: secret, credential_process: command, web_identity_token_file: token } = settings
  const profile = `profile ${JSON.stringify(name)}`
  if (role && source) return sourceProblem(source, settingsOf, [...path, name])
  if (role && place)
    return `the credential_source ${JSON.stringify(place)} of ${profile} gives none on this host. Correct it, or name a source_profile.`
  if (role && !token)
    return `${profile} has a role_arn, but neither source_profile nor credential_source. Add one of them.`
  if (command && !(key && secret))
    return `the credential_process of ${profile} failed, or printed no current credentials. Run it by hand, as the profile has it.`
  if (key && !secret) return `${profile} has aws_access_key_id without aws_secret_access_key. Add the other half.`
  if (secret && !key) return `${profile} has aws_secret_access_key without aws_access_key_id. Add the other half.`
  if (name === 'default' || Object.keys(settings).some(setting => OTHER_SOURCES.test(setting))) return undefined
  return `${profile} neither holds any, nor names what gives them. Add keys, a role_arn or a credential_process, or run \`aws configure sso\`.`
}
