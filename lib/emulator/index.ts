export { checkStore } from '../store/check/check-store.js'
export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from '../store/store.js'
export type { ActiveFault, Fault, FaultScope } from './faults.js'
export type { EmulatorOptions } from './options.js'
export type { EmulatedCall, EmulatedLogin, EmulatedOperation } from './records.js'
export type {
  EmulatedIdentityProvider,
  EmulatedTokenOptions,
  EmulatorPoolConfig,
  EmulatorStream,
  RedshiftEmulator,
} from './redshift-emulator.js'
export { startRedshiftEmulator } from './start.js'
