<?php
// Sends what the built-in web server of PHP is asked for to MediaWiki's entry points.
$path = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
if ( $path === '/w/api.php' ) {
	$entry = 'api.php';
} elseif ( $path === '/w/index.php' || str_starts_with( $path, '/wiki/' ) ) {
	$entry = 'index.php';
} else {
	http_response_code( 404 );
	return;
}
// Wikimedia Commons searches by CirrusSearch: its keywords are plain words to this wiki, and it looks
// into titles and texts, where this wiki takes titles alone unless told otherwise.
foreach ( [ 'gsr', 'sr' ] as $prefix ) {
	if ( is_string( $_GET["{$prefix}search"] ?? null ) ) {
		$_GET["{$prefix}search"] = trim( preg_replace( '/(?<!\S)-?[a-z]+:\S+/', '', $_GET["{$prefix}search"] ) );
		$_GET["{$prefix}what"] ??= 'text';
	}
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "/w/$entry";
chdir( getenv( 'WORLD_WIKI_CODE' ) );
require getenv( 'WORLD_WIKI_CODE' ) . "/$entry";
