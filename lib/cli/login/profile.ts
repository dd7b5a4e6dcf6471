import { isProfileMissing, readProfiles } from '../../aws/credentials/profiles.js'
import { type Source, sourcesOf } from '../../aws/credentials/sources.js'

/** The AWS profile: where its credentials come from, and the settings that only the AWS CLI reads. */
export interface ProfileSettings {
  readonly name: string
  /** False if a profile is named that is in neither file. */
  readonly exists: boolean
  readonly sources: readonly Source[]
  readonly output: string | undefined
  readonly caBundle: string | undefined
  /** `wire`: print times as the service sends them. Otherwise they are printed as ISO 8601. */
  readonly timestampFormat: string | undefined
}

/** Variables of the SDK, and those of the AWS CLI that replace them if they are not set. */
const ALIASES = { AWS_REGION: 'AWS_DEFAULT_REGION', AWS_PROFILE: 'AWS_DEFAULT_PROFILE' } as const

const adopted = new Set<keyof typeof ALIASES>()

/**
 * Copies variables that only the AWS CLI reads to those that the SDK reads. For both, keys in the environment come before
 * AWS_DEFAULT_PROFILE. The SDK would prefer AWS_PROFILE to them.
 */
export function adoptAwsCliVariables(env: NodeJS.ProcessEnv): void {
  const hasKeys = env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY
  for (const name of Object.keys(ALIASES) as (keyof typeof ALIASES)[]) {
    const value = env[ALIASES[name]]
    if (env[name] || !value || (name === 'AWS_PROFILE' && hasKeys)) continue
    env[name] = value
    adopted.add(name)
  }
}

/** The AWS CLI's variable that a value was copied from; undefined if the SDK's own variable was set. */
export const adoptedFrom = (name: keyof typeof ALIASES): string | undefined =>
  adopted.has(name) ? ALIASES[name] : undefined

export async function readProfileSettings(profile: string | undefined): Promise<ProfileSettings> {
  const name = profile ?? (process.env.AWS_PROFILE || 'default')
  const profiles = await readProfiles()
  const settings = profiles?.[name]
  const sources = sourcesOf(profile, process.env, profiles)
  return {
    name,
    exists: !(await isProfileMissing(name)),
    sources,
    output: settings?.output,
    caBundle: settings?.ca_bundle,
    timestampFormat: settings?.cli_timestamp_format,
  }
}
