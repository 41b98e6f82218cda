console.log('lastack');
