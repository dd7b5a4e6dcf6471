import { quoted } from '../../errors.js'
import type { Source, SourceKind } from './sources.js'

/** One way in which a source of AWS credentials can fail. */
export interface CredentialFailure {
  readonly sources: readonly SourceKind[]
  /** Short, and unique among all failures. */
  readonly failure: string
  /** Matches the error's name and message. A row without it applies if no other row explains the failure of the source. */
  readonly when?: RegExp
  /** Whether, in a chain of roles, the last one is at fault unless the message names another. */
  readonly ofOuterRole?: boolean
  /** Without the full stop. The message of AWS or the SDK is appended to it. */
  readonly problem: (source: Source) => string
  /** Without the full stop. */
  readonly remedy: (source: Source) => string
}

/** Capitalizes the first letter of a sentence. */
export const capitalize = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** Names the place of a setting. */
export const profileOf = ({ kind, profile }: Source): string =>
  profile !== undefined ? `profile ${quoted(profile)}` : kind === 'own' ? 'the profile' : 'the environment'
