export type { CredentialStore, EncryptionKey, StoredValue, StoreEntry } from '../store/store.js'
export { checkStore } from './check-store.js'
export { startRedshiftEmulator } from './emulator.js'
export type {
  ActiveFault,
  EmulatedCall,
  EmulatedIdentityProvider,
  EmulatedLogin,
  EmulatedOperation,
  EmulatedTokenOptions,
  EmulatorOptions,
  EmulatorPoolConfig,
  EmulatorStream,
  Fault,
  FaultScope,
  RedshiftEmulator,
} from './types.js'
