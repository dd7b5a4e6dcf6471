import { quoted } from '../../errors.js'
import type { Source } from './sources.js'

/** Returns the source of the AWS credentials that signed a request: the first one, or the role that it assumes. */
const signerOf = (sources: readonly Source[]): Source | undefined => {
  const next = sources.findIndex(({ kind }, index) => index > 0 && kind !== 'role')
  return sources.slice(0, next < 0 ? undefined : next).at(-1)
}

/** Names the AWS credentials that signed a request, for messages. */
export const describeSigner = (sources: readonly Source[]): string => {
  const profile = signerOf(sources)?.profile
  return profile === undefined ? 'these AWS credentials' : `the AWS credentials of profile ${quoted(profile)}`
}

/** The remedy for an expired session of these AWS credentials. */
export function renewalOf(sources: readonly Source[]): string {
  const source = signerOf(sources)
  const profile = quoted(source?.profile)
  switch (source?.kind) {
    case 'environment':
      return 'Export new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and restart the process.'
    case 'keys':
      return `Put new keys and a new session token in profile ${profile}; the next attempt reads the file again.`
    case 'process':
      return `Make the credential_process of profile ${profile} print new credentials.`
    case 'own':
      return 'Set aws.credentials to a function that returns new credentials.'
    default:
      return 'Run `aws sso login`, or set new keys and a new AWS_SESSION_TOKEN; the SDK renews roles automatically.'
  }
}
