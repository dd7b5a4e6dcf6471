/** `pg-redshift-iam/emulator` for programs of the documentation: on the server that the run shares, so that they start faster. */
export { startEmulator as startRedshiftEmulator } from './emulator.js'
