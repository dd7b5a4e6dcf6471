import { quoted } from '../../errors.js'
import type { Source, SourceKind } from './sources.js'

/** One way in which a source of AWS credentials can fail. */
export interface CredentialFailure {
  readonly sources: readonly SourceKind[]
  /** Short, and unique among all failures. */
  readonly failure: string
  /** Matches the error's name and message. A row without it applies if no other row explains the failure of the source. */
  readonly when?: RegExp
  readonly problem: (source: Source) => string
  readonly cure: (source: Source) => string
}

/** Capitalizes the first letter. */
export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** Names the place of a setting. */
export const profileOf = ({ kind, profile }: Source): string =>
  profile !== undefined ? `profile ${quoted(profile)}` : kind === 'own' ? 'the profile' : 'the environment'
