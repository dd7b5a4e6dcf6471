// Code that only a failure needs. It is loaded after one, so that a process does not compile it at start-up.
export { missingProfileError, stalledError } from './credentials/errors.js'
export { type Source, sourcesOf } from './credentials/sources.js'
export { sdkLoadError, toPreparationError, toRedshiftError } from './errors.js'
export { isClockError, isExpiredToken } from './failures.js'
export { asError, copyCause, scrub } from './scrub.js'
