import { isProfileMissing, readProfiles } from '../../aws/credentials/profiles.js'
import { type Source, sourcesOf } from '../../aws/credentials/sources.js'

/** What is known of the AWS profile: where its credentials come from, and what the AWS CLI reads of it that the SDK does not. */
export interface ProfileSettings {
  readonly name: string
  /** False for one that is named, and is in neither file. */
  readonly exists: boolean
  readonly sources: readonly Source[]
  readonly output: string | undefined
  readonly caBundle: string | undefined
  /** `wire`: times as the service sends them. Otherwise ISO 8601. */
  readonly timestampFormat: string | undefined
}

/** Variables that the SDK reads, with those of the AWS CLI that count for them in this process. */
const ALIASES = { AWS_REGION: 'AWS_DEFAULT_REGION', AWS_PROFILE: 'AWS_DEFAULT_PROFILE' } as const

const adopted = new Set<keyof typeof ALIASES>()

/** Lets variables of the AWS CLI that the SDK does not know count in this process. */
export function adoptAwsCliVariables(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(ALIASES) as (keyof typeof ALIASES)[]) {
    const value = env[ALIASES[name]]
    if (env[name] || !value) continue
    env[name] = value
    adopted.add(name)
  }
}

/** The variable that a value was adopted from; undefined where the SDK's own is set. */
export const adoptedFrom = (name: keyof typeof ALIASES): string | undefined =>
  adopted.has(name) ? ALIASES[name] : undefined

export async function profileSettings(profile: string | undefined): Promise<ProfileSettings> {
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
