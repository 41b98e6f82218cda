export * from './tcp/state.ts';
export * from './socket/table.ts';
export * from './socket/row.ts';
export * from './socket/address.ts';
export * from './socket/age.ts';
