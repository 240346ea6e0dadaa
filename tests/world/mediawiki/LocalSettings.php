<?php
// Settings of the demo world's wiki. Where things lie comes from the environment, so that the
// cache can be moved and each start can write to a copy of its own.
if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}
$worldData = getenv( 'WORLD_WIKI_DATA' );
$worldImages = getenv( 'WORLD_WIKI_IMAGES' );

$wgSitename = 'Commons';
$wgServer = 'http://commons.test';
$wgScriptPath = '/w';
$wgArticlePath = '/wiki/$1';
$wgLanguageCode = 'en';
$wgLocaltimezone = 'UTC';
$wgSecretKey = str_repeat( '0', 64 );
$wgDefaultSkin = 'monobook';
wfLoadSkin( 'MonoBook' );

$wgDBtype = 'sqlite';
$wgDBname = 'wiki';
$wgSQLiteDataDir = $worldData;
// A cache that is lost in a power cut is filled again: no waiting for the disk.
$wgDBservers = [ [
	'type' => 'sqlite',
	'dbname' => $wgDBname,
	'dbDirectory' => $worldData,
	'variables' => [ 'synchronous' => 'OFF' ],
	'load' => 1,
	'flags' => 0,
] ];
$wgMainCacheType = CACHE_NONE;
$wgCacheDirectory = "$worldData/l10n";
$wgJobRunRate = 0;
$wgPingback = false;
$wgEnableEmail = false;

$wgEnableUploads = true;
$wgUploadDirectory = $worldImages;
$wgUploadPath = 'http://upload.commons.test';
$wgFileExtensions = [ 'png', 'gif', 'jpg', 'jpeg', 'webp' ];
$wgUseImageMagick = false;
$wgMaxImageArea = 2e8;
// As on Wikimedia Commons, thumbnails come into being when the file server is asked for them.
$wgGenerateThumbnailOnParse = false;

// What the extension CommonsMetadata reads from the templates of a description page on Wikimedia
// Commons; this wiki has neither, so the same fields come from a list.
$wgHooks['GetExtendedMetadata'][] = static function ( &$metadata, $file ) use ( $worldData ) {
	static $known = null;
	$known ??= json_decode( file_get_contents( "$worldData/extmetadata.json" ), true );
	foreach ( $known[$file->getName()] ?? [] as $name => $value ) {
		$metadata[$name] = [ 'value' => $value, 'source' => 'commons-desc-page' ];
	}
};
