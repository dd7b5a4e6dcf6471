// What is only needed after a failure. It is loaded then, so that a process does not compile it at its start.
export { missingProfileError, stalledError } from './credentials/errors.js'
export { type Source, sourcesOf } from './credentials/sources.js'
export { isClockError, isExpiredToken, missingSdkError, toLoadingError, toRedshiftError } from './failures.js'
export { asError, copyCause, scrub } from './scrub.js'
