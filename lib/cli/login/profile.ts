import { loadSharedConfigFiles } from '@smithy/core/config'
import { sourceProblem } from './profile-source.js'

/** What the AWS CLI reads of a profile that the SDK does not. */
export interface ProfileSettings {
  readonly name: string
  /** False for one that is named, and stands in neither file. */
  readonly exists: boolean
  /** Why it may give no AWS credentials, and what helps; undefined where its settings do not tell. */
  readonly problem: string | undefined
  readonly output: string | undefined
  readonly caBundle: string | undefined
  /** `wire`: times as the service sends them. Otherwise ISO 8601. */
  readonly timestampFormat: string | undefined
}

/** Lets variables of the AWS CLI that the SDK does not know count in this process. */
export function adoptAwsCliVariables(env: NodeJS.ProcessEnv): void {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE, AWS_DEFAULT_PROFILE } = env
  if (!AWS_REGION && AWS_DEFAULT_REGION) env.AWS_REGION = AWS_DEFAULT_REGION
  if (!AWS_PROFILE && AWS_DEFAULT_PROFILE) env.AWS_PROFILE = AWS_DEFAULT_PROFILE
}

/** A file that is missing or cannot be parsed says nothing here: the SDK reads it as well, and complains where it needs it. */
export async function profileSettings(profile: string | undefined): Promise<ProfileSettings> {
  const name = profile ?? (process.env.AWS_PROFILE || 'default')
  const { configFile = {}, credentialsFile = {} } = (await loadSharedConfigFiles().catch(() => undefined)) ?? {}
  const isKnown = (wanted: string): boolean => wanted in credentialsFile || wanted in configFile
  const settingsOf = (wanted: string) =>
    isKnown(wanted) ? { ...credentialsFile[wanted], ...configFile[wanted] } : undefined
  const settings = settingsOf(name) ?? {}
  return {
    name,
    exists: name === 'default' || isKnown(name),
    problem: isKnown(name) ? sourceProblem(name, settingsOf) : undefined,
    output: settings.output,
    caBundle: settings.ca_bundle,
    timestampFormat: settings.cli_timestamp_format,
  }
}
