import type { Question } from '../question.js'
import { awsQuestions } from './aws.js'
import { expiryQuestions } from './expiry.js'
import { programQuestions } from './programs.js'
import { serverQuestions } from './server.js'

/** The questions about protocols and about AWS. */
export const wireQuestions: readonly Question[] = [...awsQuestions, ...serverQuestions, ...expiryQuestions]

/** Every question. */
export const allQuestions: readonly Question[] = [...wireQuestions, ...programQuestions]
